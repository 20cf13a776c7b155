/* The interface that a UC has, as netlink and ioctl tell it. */
#ifndef LIBOS_NET_INET_LO_H
#define LIBOS_NET_INET_LO_H

#define LO_NAME "lo"
#define LO_INDEX 1
#define LO_TYPE 772      /* ARPHRD_LOOPBACK */
#define LO_FLAGS 0x10049 /* IFF_UP, IFF_LOOPBACK, IFF_RUNNING, IFF_LOWER_UP */
#define LO_MTU 65536
#define LO_TXQLEN 1000

#endif
