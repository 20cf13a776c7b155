/* getrandom(2) */
#include <asm/errno.h>
#include <linux/random.h>

#include "include/upcalls.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "random.h"
#include "sys/calls.h"

#define CHUNK_BYTES 512u

/* a: buffer, bytes, flags. The pool is always ready, so no flag changes anything. */
long sys_getrandom(const u64 a[6])
{
	u8 chunk[CHUNK_BYTES];
	u64 bytes = MIN(a[1], (u64)INT32_MAX), done = 0;

	if (a[2] & ~(u64)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((a[2] & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	draws_note_call((u32)a[2]);
	while (done < bytes) {
		u64 n = MIN(bytes - done, sizeof(chunk));
		random_bytes(chunk, n);
		if (copy_to_user(a[0] + done, chunk, n)) {
			memset(chunk, 0, sizeof(chunk));
			return done ? (long)done : -EFAULT;
		}
		done += n;
	}
	memset(chunk, 0, sizeof(chunk));
	return (long)done;
}
