#include "loop/operation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "abi/control.h"
#include "base/child.h"
#include "loop/control.h"
#include "tender.h"

/*
 * Of the tender's processor time: others wait no longer than that, and for what is done between two looks at
 * the clock.
 */
#define STEP_NS 1200000ull
/*
 * Of a turn, for operations that have not begun: most are over in one step, and each one that is done means
 * less to do later.
 */
#define BEGIN_NS (4 * STEP_NS)
#define MS_NS 1000000ull
/* A wait so short is slept through: others would have their turns only to be broken off. */
#define SLEEP_MAX_NS 250000ull
/* Nor do they wait longer than that for a process to get the processor, and stop. */
#define CHILD_WAIT_NS 8000000ull
/* Under way at a time; the others wait in line. */
#define STACKS_MAX 64
/* Stacks that keep their pages. */
#define STACKS_WARM 2
#define GUARD_BYTES 4096ul
#define STACK_BYTES (1ul << 20)
#define BUFFER_BYTES (3ul << 20)
#define BUFFER_ALIGN 4096ul

/* From below: buffers, a page without access, the stack. */
struct stack {
	char *base; /* NULL: not mapped */
	bool taken;
};

struct request {
	struct list_node node;
	struct control_frame frame;
	char payload[];
};

struct operation {
	struct list_node node;
	struct tender *tender;
	struct operation_subject *subject; /* or NULL */
	struct list_node requests; /* for the subject, afterwards */
	operation_fn *work;
	void *job;
	struct stack *stack; /* NULL: it has not begun */
	ucontext_t context;
	size_t buffered;
	bool ended;
	int cancelled;
	uint64_t wake_ns; /* it waits for its turn since, or until then */
	uint64_t step_ns, step_cpu_ns; /* begin of its step */
	uint64_t used_ns; /* of the tender's time */
};

static struct stack stacks[STACKS_MAX];
/* As with errno, a call deep down need not be told whose it is. */
static struct operation *current;
static ucontext_t loop;

void operations_init(struct tender *t, const struct operation_hooks *hooks)
{
	t->operations.hooks = hooks;
	list_init(&t->operations.all);
	child_init();
}

/* ---- stacks ---- */

static void map_stack(struct stack *s)
{
	void *base = mmap(NULL, BUFFER_BYTES + GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED || mprotect((char *)base + BUFFER_BYTES, GUARD_BYTES, PROT_NONE) < 0)
		fatal(errno, "stack of an operation");
	s->base = base;
}

static struct stack *free_stack(void)
{
	for (int i = 0; i < STACKS_MAX; i++)
		if (!stacks[i].taken)
			return &stacks[i];
	return NULL;
}

static void give_back(struct stack *s)
{
	s->taken = false;
	if (s < stacks + STACKS_WARM)
		return;
	munmap(s->base, BUFFER_BYTES + GUARD_BYTES + STACK_BYTES);
	s->base = NULL;
}

void *operation_buffer(size_t bytes)
{
	size_t at = current->buffered;

	current->buffered += (bytes + BUFFER_ALIGN - 1) & ~(BUFFER_ALIGN - 1);
	if (current->buffered > BUFFER_BYTES)
		fatal(0, "buffers of an operation: %zu bytes", current->buffered);
	return current->stack->base + at;
}

/* ---- turns ---- */

static void enter(void)
{
	struct operation *o = current;

	o->work(o->tender, o->job);
	o->ended = true;
	setcontext(&loop);
	fatal(errno, "end of an operation");
}

static void begin(struct operation *o, struct stack *stack)
{
	if (!stack->base)
		map_stack(stack);
	stack->taken = true;
	o->stack = stack;
	if (getcontext(&o->context) < 0)
		fatal(errno, "begin of an operation");
	o->context.uc_stack.ss_sp = stack->base + BUFFER_BYTES + GUARD_BYTES;
	o->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&o->context, enter, 0);
}

static void let_go(struct operation *o)
{
	if (!o->subject)
		return;
	o->subject->operation = NULL;
	o->tender->operations.hooks->over(o->tender, o->subject);
	o->subject = NULL;
}

void operation_let_go(void)
{
	let_go(current);
}

void operation_defer(struct operation_subject *subject, const struct control_frame *frame,
		     const char *payload)
{
	struct request *r = xcalloc(1, sizeof *r + frame->len);

	r->frame = *frame;
	memcpy(r->payload, payload, frame->len);
	list_add_tail(&r->node, &subject->operation->requests);
}

bool operation_has_deferred(const struct operation_subject *subject)
{
	return subject->operation && !list_empty(&subject->operation->requests);
}

/* The first may begin an operation of its own, which the others wait for. */
static void carry_out_deferred(struct operation *o)
{
	list_for_each_safe(n, next, &o->requests) {
		struct request *r = list_entry(n, struct request, node);

		control_handle(o->tender, &r->frame, r->payload);
		free(r);
	}
}

static void end(struct operation *o)
{
	let_go(o);
	list_del(&o->node);
	give_back(o->stack);
	carry_out_deferred(o);
	free(o);
}

static void step(struct tender *t, struct operation *o)
{
	uint64_t used;

	current = o;
	o->step_ns = now_ns();
	o->step_cpu_ns = thread_cpu_ns();
	if (swapcontext(&loop, &o->context) < 0)
		fatal(errno, "step of an operation");
	current = NULL;
	used = thread_cpu_ns() - o->step_cpu_ns;
	o->used_ns += used;
	t->operations.turn_ns += used;
	/*
	 * The tender has a higher priority than its UCs: where it goes on, it leaves them as much time as it
	 * has used. While it waited they had theirs.
	 */
	t->operations.next_ns = !o->ended && t->operations.hooks->others_run(t) ? now_ns() + used : 0;
	if (o->ended)
		end(o);
}

void operation_cancel(struct operation_subject *subject, int error)
{
	struct operation *o = subject->operation;

	if (!o || o == current)
		return;
	o->cancelled = error;
	o->wake_ns = 0;
}

/*
 * When it may have its turn. One that was cancelled has not much left to do, and its UC's end waits for it.
 */
static uint64_t due_ns(const struct tender *t, const struct operation *o)
{
	if (o->cancelled)
		return 0;
	return o->wake_ns > t->operations.next_ns ? o->wake_ns : t->operations.next_ns;
}

/*
 * Small ones are soon done, and do not wait for large ones, however many. A large one waits for newer ones no
 * longer than it has had its turns.
 */
static bool goes_before(const struct tender *t, const struct operation *a, const struct operation *b,
			uint64_t now)
{
	uint64_t due_a = due_ns(t, a), due_b = due_ns(t, b);

	if (due_a <= now && due_b <= now)
		return a->used_ns + a->wake_ns < b->used_ns + b->wake_ns;
	return due_a < due_b;
}

/* That may have its turn the soonest. A turn is over sooner for those that have had a step. */
static struct operation *next(const struct tender *t, uint64_t turn_ns)
{
	bool may_begin = free_stack() && turn_ns < BEGIN_NS, may_go_on = turn_ns < STEP_NS;
	struct operation *found = NULL;
	uint64_t now = now_ns();

	list_for_each(n, &t->operations.all) {
		struct operation *o = list_entry(n, struct operation, node);

		if ((o->cancelled || (o->stack ? may_go_on : may_begin)) && (o->stack || free_stack()) &&
		    (!found || goes_before(t, o, found, now)))
			found = o;
	}
	return found;
}

int64_t operations_timeout_ns(const struct tender *t)
{
	const struct operation *o = next(t, 0);
	uint64_t due, now;

	if (!o)
		return -1;
	due = due_ns(t, o);
	now = now_ns();
	return now >= due ? 0 : (int64_t)(due - now);
}

void operation_start(struct tender *t, struct operation_subject *subject, operation_fn *work, void *job)
{
	struct operation *o = xcalloc(1, sizeof *o);
	struct stack *stack = free_stack();
	bool others_are_due = operations_timeout_ns(t) == 0;

	*o = (struct operation){
		.tender = t, .subject = subject, .work = work, .job = job, .wake_ns = now_ns()
	};
	list_init(&o->requests);
	if (subject)
		subject->operation = o;
	list_add_tail(&o->node, &t->operations.all);
	if (current || !stack || others_are_due || t->operations.turn_ns >= BEGIN_NS)
		return;
	begin(o, stack);
	step(t, o);
}

static bool step_one(struct tender *t)
{
	struct operation *o = next(t, t->operations.turn_ns);

	if (!o || now_ns() < due_ns(t, o))
		return false;
	if (!o->stack)
		begin(o, free_stack());
	step(t, o);
	return true;
}

bool operations_any(const struct tender *t)
{
	return !list_empty(&t->operations.all);
}

void operations_step(struct tender *t)
{
	while (step_one(t))
		;
	t->operations.turn_ns = 0;
}

/* ---- within an operation ---- */

static int pause_until(uint64_t wake_ns)
{
	struct operation *o = current;

	if (o->cancelled)
		return o->cancelled;
	o->wake_ns = wake_ns;
	if (swapcontext(&o->context, &loop) < 0)
		fatal(errno, "pause of an operation");
	return o->cancelled;
}

/* Of the step. */
static uint64_t left_ns(void)
{
	uint64_t used = thread_cpu_ns() - current->step_cpu_ns;

	return used < STEP_NS ? STEP_NS - used : 0;
}

int operation_pause_if_due(void)
{
	return !current || left_ns() ? 0 : pause_until(now_ns());
}

int operation_sleep(uint64_t ns)
{
	struct timespec pause = { .tv_nsec = (long)ns };

	if (!current)
		return 0;
	if (ns > SLEEP_MAX_NS || ns > left_ns())
		return pause_until(now_ns() + ns);
	nanosleep(&pause, NULL);
	return current->cancelled;
}

int operation_await_child(void)
{
	uint64_t waited = now_ns() - current->step_ns;

	if (waited >= CHILD_WAIT_NS)
		return pause_until(now_ns() + MS_NS);
	child_await_news(CHILD_WAIT_NS - waited);
	return current->cancelled;
}

uint64_t operation_used_ns(void)
{
	return current ? current->used_ns + (thread_cpu_ns() - current->step_cpu_ns) : 0;
}
