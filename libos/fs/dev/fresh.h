/* Random bytes of the guest, which a clone must not share with the UC that it continues. */
#ifndef LIBOS_FS_DEV_FRESH_H
#define LIBOS_FS_DEV_FRESH_H

/*
 * fresh_dev.c: gives a clone its own random bytes wherever the guest asked for that. Once, after
 * random_reseed.
 */
void fresh_renew(void);
/* draws.c: the current thread reads random bytes from a file. */
void draws_note(void);

#endif
