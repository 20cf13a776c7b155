// process.abort dies by SIGABRT.
console.log('before');
process.abort();
