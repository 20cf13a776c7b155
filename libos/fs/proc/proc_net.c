/* /proc/net: the tables are there, and empty: sockets of a UC are no host sockets. */
#include "procfs.h"

static void show_dev(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "Inter-|   Receive                                                |  Transmit\n");
	text_printf(t, " face |bytes    packets errs drop fifo frame compressed multicast|"
		       "bytes    packets errs drop fifo colls carrier compressed\n");
	text_printf(t, "    lo:       0       0    0    0    0     0          0         0"
		       "        0       0    0    0    0     0       0          0\n");
}

static void show_tcp(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
		       "uid  timeout inode\n");
}

static void show_tcp6(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "  sl  local_address                         remote_address                        "
		       "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
}

static void show_unix(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
}

static void show_route(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t,
		    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
}

static void show_if_inet6(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "00000000000000000000000000000001 01 80 10 80       lo\n");
}

const struct proc_entry proc_net_entries[] = {
	{ .name = "dev", .show = show_dev },
	{ .name = "if_inet6", .show = show_if_inet6 },
	{ .name = "route", .show = show_route },
	{ .name = "tcp", .show = show_tcp },
	{ .name = "tcp6", .show = show_tcp6 },
	{ .name = "udp", .show = show_tcp },
	{ .name = "udp6", .show = show_tcp6 },
	{ .name = "unix", .show = show_unix },
	{ 0 },
};
