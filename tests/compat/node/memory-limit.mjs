// Running out of the heap (--max-old-space-size=40) ends in SIGABRT, not in a hang.
console.log('before');
const kept = [];
for (;;) kept.push(new Array(10_000).fill({}));
