#include "uc/cpu_alarm.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "loop/loop.h"
#include "tender.h"
#include "uc/uc.h"

/* Of one read. */
#define ALARMS_READ 16

/* An alarm that rang late may name a UC that is gone, or another one: a look at that does no harm. */
static void alarms_ready(struct tender *t, struct event_source *source, uint32_t events)
{
	struct signalfd_siginfo rung[ALARMS_READ];
	ssize_t bytes;

	(void)events;
	while ((bytes = read(source->fd, rung, sizeof rung)) > 0) {
		for (size_t i = 0; i < (size_t)bytes / sizeof *rung; i++) {
			struct uc *uc = uc_find(t, (uint32_t)rung[i].ssi_int);

			if (uc && uc->state != UC_DEMOTED)
				t->alarms.rung(t, uc);
		}
	}
	if (bytes < 0 && errno != EAGAIN && errno != EINTR)
		fatal(errno, "read alarms");
}

/* The kernel counts each timer as a signal that waits. Where it grants no more, fewer UCs have alarms. */
static void raise_timer_limit(const struct tender *t)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_SIGPENDING, &now) == 0 && now.rlim_cur < t->uc_max) {
		struct rlimit wanted = { t->uc_max, now.rlim_max < t->uc_max ? t->uc_max : now.rlim_max };

		if (setrlimit(RLIMIT_SIGPENDING, &wanted) < 0 && errno != EPERM)
			fatal(errno, "setrlimit SIGPENDING");
	}
}

void cpu_alarms_open(struct tender *t, cpu_alarm_fn *rung)
{
	sigset_t set;

	raise_timer_limit(t);
	t->alarms.rung = rung;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		fatal(errno, "block the alarms' signal");
	t->alarms.source = (struct event_source){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
						  .ready = alarms_ready };
	if (t->alarms.source.fd < 0 || loop_add(t, &t->alarms.source, EPOLLIN) < 0)
		fatal(errno, "signalfd");
}

bool cpu_alarm_set(struct uc *uc, uint64_t ns)
{
	struct itimerspec when = { .it_value = { (time_t)(ns / 1000000000ull), (long)(ns % 1000000000ull) } };

	if (!uc->alarm.is_set) {
		struct sigevent event = {
			.sigev_notify = SIGEV_SIGNAL,
			.sigev_signo = SIGRTMIN,
			.sigev_value.sival_int = (int)uc->id,
		};

		uc->alarm.is_set = timer_create(process_clock(uc->pid), &event, &uc->alarm.timer) == 0;
	}
	return uc->alarm.is_set && timer_settime(uc->alarm.timer, 0, &when, NULL) == 0;
}

void cpu_alarm_drop(struct uc *uc)
{
	if (uc->alarm.is_set && timer_delete(uc->alarm.timer) < 0)
		fatal(errno, "timer_delete");
	uc->alarm.is_set = false;
}
