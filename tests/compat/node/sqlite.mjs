// node:sqlite: file locks, fsync, mmap in /tmp.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const file = join(mkdtempSync(join(tmpdir(), 'q-')), 'db');
const db = new DatabaseSync(file);
db.exec('pragma journal_mode=wal; create table t(a integer primary key, b text)');
const insert = db.prepare('insert into t(b) values (?)');
db.exec('begin');
for (let i = 0; i < 2000; i++) insert.run(`row ${i}`);
db.exec('commit');
const second = new DatabaseSync(file);
console.log(second.prepare('select count(*) as n, max(b) as b from t').get());
db.exec('begin immediate');
try {
  second.exec('begin immediate');
} catch (error) {
  console.log(error.message);
}
db.exec('rollback');
second.close();
db.close();
