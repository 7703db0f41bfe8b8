/**
 * Loaded before the program with `node --import`: counts its disk and network operations, and kills it at one of them, as a
 * crash or the kernel would. `CRASH_AT` is `<n>:before` or `<n>:after`; `CRASH_LOG` is a file to which an undisturbed run
 * writes the names of its operations, one per line.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const [number = '0', side = 'before'] = (process.env.CRASH_AT ?? '').split(':');
const at = Number(number);
const names = [];
let count = 0;

function begin(name) {
  count++;
  names.push(name);
  // The signal is delivered before the call returns, so the program executes nothing more.
  if (count === at && side === 'before') process.kill(process.pid, 'SIGKILL');
  return count;
}

function end(point) {
  if (point === at && side === 'after') process.kill(process.pid, 'SIGKILL');
}

const { writeSync, fdatasync } = fs;
fs.writeSync = (...args) => {
  const point = begin('write to disk');
  const result = writeSync(...args);
  end(point);
  return result;
};
fs.fdatasync = (fd, callback) => {
  const point = begin('sync');
  fdatasync(fd, (error) => {
    end(point);
    callback(error);
  });
};
for (const name of ['link', 'rename', 'unlink', 'mkdir']) {
  const original = fs.promises[name];
  fs.promises[name] = async (...args) => {
    const point = begin(name);
    try {
      return await original(...args);
    } finally {
      end(point);
    }
  };
}

const { _writeGeneric, push } = net.Socket.prototype;
// Standard output is a socket, too, if it is a pipe.
const isTcp = (socket) => socket._handle?.constructor.name === 'TCP';
net.Socket.prototype._writeGeneric = function (...args) {
  if (!isTcp(this) || this.connecting) return _writeGeneric.apply(this, args);
  const point = begin('send');
  const result = _writeGeneric.apply(this, args);
  end(point);
  return result;
};
net.Socket.prototype.push = function (...args) {
  if (!isTcp(this) || args[0] === null) return push.apply(this, args);
  const point = begin('receive');
  const result = push.apply(this, args);
  end(point);
  return result;
};
syncBuiltinESMExports();

process.on('exit', () => {
  if (process.env.CRASH_LOG) fs.writeFileSync(process.env.CRASH_LOG, names.join('\n'));
});
