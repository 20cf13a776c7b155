/* /sys: the little that libraries read to count processors and memory. */
#include <linux/magic.h>

#include "fs/tree.h"
#include "procfs.h"

static void show_cpu_list(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "0\n");
}

static void show_kernel_max(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "8191\n");
}

static void show_no_huge_pages(struct proc_text *t, int id)
{
	(void)id;
	text_printf(t, "always madvise [never]\n");
}

static const struct proc_entry topology_entries[] = {
	{ .name = "core_id", .show = show_cpu_list },
	{ .name = "physical_package_id", .show = show_cpu_list },
	{ .name = "thread_siblings_list", .show = show_cpu_list },
	{ 0 },
};
static const struct proc_entry cpu0_entries[] = { { .name = "topology", .children = topology_entries },
						  { 0 } };
static const struct proc_entry cpu_entries[] = {
	{ .name = "cpu0", .children = cpu0_entries }, { .name = "kernel_max", .show = show_kernel_max },
	{ .name = "online", .show = show_cpu_list },  { .name = "possible", .show = show_cpu_list },
	{ .name = "present", .show = show_cpu_list }, { 0 },
};
static const struct proc_entry node0_entries[] = { { .name = "cpulist", .show = show_cpu_list }, { 0 } };
static const struct proc_entry node_entries[] = {
	{ .name = "node0", .children = node0_entries },
	{ .name = "online", .show = show_cpu_list },
	{ 0 },
};
static const struct proc_entry system_entries[] = {
	{ .name = "cpu", .children = cpu_entries },
	{ .name = "node", .children = node_entries },
	{ 0 },
};
static const struct proc_entry devices_entries[] = { { .name = "system", .children = system_entries },
						     { 0 } };
static const struct proc_entry thp_entries[] = { { .name = "enabled", .show = show_no_huge_pages }, { 0 } };
static const struct proc_entry mm_entries[] = {
	{ .name = "transparent_hugepage", .children = thp_entries },
	{ 0 },
};
static const struct proc_entry kernel_entries[] = { { .name = "mm", .children = mm_entries }, { 0 } };
static const struct proc_entry root_entries[] = {
	{ .name = "devices", .children = devices_entries },
	{ .name = "kernel", .children = kernel_entries },
	{ 0 },
};
static const struct proc_entry root_entry = { .children = root_entries };

struct superblock *sysfs_new(void)
{
	return proc_tree_new("sysfs", SYSFS_MAGIC, &root_entry);
}
