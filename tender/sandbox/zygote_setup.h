/* From a fork of the tender to the locked-down zygote. */
#ifndef TENDER_ZYGOTE_SETUP_H
#define TENDER_ZYGOTE_SETUP_H

#include <sys/types.h>

#include "abi/layout.h"
#include "sandbox/libos_image.h"
#include "sandbox/privileges.h"

/* The socket's place while UC_LINK_FD stays free for links. */
#define COMMAND_FD (UC_LINK_FD + 1)

/* Returns the command socket's new number; ends the process with a message on failure. */
int zygote_setup(int sock, const struct libos_image *libos, const struct privileges *privileges,
		 unsigned user, pid_t tender);

#endif
