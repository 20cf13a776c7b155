/*
 * Clocks. The host's vDSO is called directly; CLOCK_MONOTONIC carries an offset so
 * that it continues where a snapshot was captured, on whatever boot or machine.
 */
#include "clock.h"
#include "host/host.h"
#include "host/link.h"
#include "thread/thread.h"
#include "vdso/vdso.h"

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define NS_PER_S 1000000000ull

typedef int (*clock_gettime_fn)(int clock, s64 ts[2]);

static u64 host_clock_ns(int clock)
{
	s64 ts[2] = { 0, 0 };
	clock_gettime_fn fn = (clock_gettime_fn)vdso_data.host_clock_gettime;

	if (fn)
		fn(clock, ts);
	else
		host_clock_gettime(clock, ts);
	return (u64)ts[0] * NS_PER_S + (u64)ts[1];
}

u64 clock_monotonic_ns(void)
{
	return host_clock_ns(CLOCK_MONOTONIC) + (u64)vdso_data.monotonic_offset_ns;
}

u64 clock_realtime_ns(void)
{
	return host_clock_ns(CLOCK_REALTIME) + (u64)vdso_data.realtime_offset_ns;
}

u64 deadline_after(u64 ns)
{
	u64 now = clock_monotonic_ns();

	return ns > DEADLINE_NONE - 1 - now ? DEADLINE_NONE - 1 : now + ns;
}

void clock_boot(u32 behind_s)
{
	vdso_data.host_clock_gettime = uc_identity.vdso_clock_gettime;
	vdso_data.realtime_offset_ns = -(s64)MIN(behind_s * NS_PER_S, host_clock_ns(CLOCK_MONOTONIC));
	vdso_data.monotonic_offset_ns = vdso_data.realtime_offset_ns;
}

void clock_catch_up(void)
{
	vdso_data.monotonic_offset_ns -= vdso_data.realtime_offset_ns;
	vdso_data.realtime_offset_ns = 0;
}

u64 clock_redeploy(u64 captured_host_ns)
{
	u64 captured_ns = captured_host_ns + (u64)vdso_data.monotonic_offset_ns;

	vdso_data.host_clock_gettime = uc_identity.vdso_clock_gettime;
	u64 host_now = host_clock_ns(CLOCK_MONOTONIC);
	if (host_now < captured_host_ns)
		vdso_data.monotonic_offset_ns += (s64)(captured_host_ns - host_now);
	return captured_ns;
}
