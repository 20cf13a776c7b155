/* netdevice(7): questions by ioctl about the one interface, lo. */
#include <asm/errno.h>
#include <linux/sockios.h>

#include "lib/string.h"
#include "lo.h"
#include "mm/mm.h"
#include "net/sock.h"

#define IFNAMSIZ 16
#define IFREQ_FLAGS_MASK 0xffffu

struct ifreq {
	char name[IFNAMSIZ];
	union {
		struct sockaddr_in addr;
		struct {
			u16 family;
			u8 address[14];
		} hw;
		s16 flags;
		s32 value;
		u8 raw[24];
	};
};

struct ifconf {
	s32 len; /* bytes */
	u32 pad;
	u64 buf; /* struct ifreq array, or 0 to ask for its size */
};

static struct sockaddr_in ipv4(u8 a, u8 b, u8 c, u8 d)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	memcpy(&sin.sin_addr, (u8[]){ a, b, c, d }, 4);
	return sin;
}

static long ifreq_list(u64 arg)
{
	struct ifreq lo = { .name = LO_NAME, .addr = ipv4(127, 0, 0, 1) };
	struct ifconf c;

	if (copy_from_user(&c, arg, sizeof c))
		return -EFAULT;
	if (!c.buf || c.len < 0) {
		c.len = sizeof lo;
	} else if (c.len < (s32)sizeof lo) {
		c.len = 0;
	} else {
		c.len = sizeof lo;
		if (copy_to_user(c.buf, &lo, sizeof lo))
			return -EFAULT;
	}
	return copy_to_user(arg, &c, sizeof c);
}

/* Fills the answer in r; 0, or -ENOTTY for what is no question about an interface. */
static int ifreq_answer(u32 cmd, struct ifreq *r)
{
	memset(r->raw, 0, sizeof r->raw);
	switch (cmd) {
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
		r->addr = ipv4(127, 0, 0, 1);
		return 0;
	case SIOCGIFNETMASK:
		r->addr = ipv4(255, 0, 0, 0);
		return 0;
	case SIOCGIFBRDADDR:
		r->addr = ipv4(0, 0, 0, 0);
		return 0;
	case SIOCGIFHWADDR:
		r->hw.family = LO_TYPE;
		return 0;
	case SIOCGIFFLAGS:
		r->flags = LO_FLAGS & IFREQ_FLAGS_MASK;
		return 0;
	case SIOCGIFINDEX:
		r->value = LO_INDEX;
		return 0;
	case SIOCGIFMTU:
		r->value = LO_MTU;
		return 0;
	case SIOCGIFTXQLEN:
		r->value = LO_TXQLEN;
		return 0;
	case SIOCGIFMETRIC:
		return 0;
	case SIOCSIFADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFBRDADDR:
	case SIOCSIFFLAGS:
	case SIOCSIFMTU:
	case SIOCSIFNAME:
		return -EPERM;
	}
	return -ENOTTY;
}

long ifreq_ioctl(u32 cmd, u64 arg)
{
	struct ifreq r;

	if (cmd == SIOCGIFCONF)
		return ifreq_list(arg);
	if (cmd >> 8 != SIOCGIFADDR >> 8)
		return -ENOTTY;
	if (copy_from_user(&r, arg, sizeof r))
		return -EFAULT;
	r.name[IFNAMSIZ - 1] = 0;
	if (cmd == SIOCGIFNAME) {
		if (r.value != LO_INDEX)
			return -ENODEV;
		memset(r.name, 0, sizeof r.name);
		memcpy(r.name, LO_NAME, sizeof LO_NAME);
		return copy_to_user(arg, &r, sizeof r);
	}
	bool is_lo = !strcmp(r.name, LO_NAME);
	int e = ifreq_answer(cmd, &r);
	if (e)
		return e;
	return is_lo ? copy_to_user(arg, &r, sizeof r) : -ENODEV;
}
