/* Socket addresses in guest memory. */
#include <asm/errno.h>

#include "lib/string.h"
#include "mm/mm.h"
#include "sock.h"

int sock_addr_read(struct sock_addr *a, u64 addr, s32 len)
{
	memset(a, 0, sizeof *a);
	if (len < 0 || len > (s32)sizeof a->bytes)
		return -EINVAL;
	if (copy_from_user(a->bytes, addr, len))
		return -EFAULT;
	a->len = len;
	return 0;
}

int sock_addr_write(const struct sock_addr *a, u64 addr, u64 len_addr)
{
	u32 room;

	if (get_user_u32(&room, len_addr))
		return -EFAULT;
	if ((s32)room < 0)
		return -EINVAL;
	if (copy_to_user(addr, a->bytes, MIN(room, a->len)))
		return -EFAULT;
	return put_user_u32(len_addr, a->len);
}
