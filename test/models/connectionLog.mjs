// Loaded into every process of the app by NODE_OPTIONS: writes down each connection that any of them opens, and opens it.
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';

const log = process.env.SIGHTLINE_CONNECTION_LOG;
const { connect } = Socket.prototype;

Socket.prototype.connect = function (...args) {
  // node:net hands its arguments on as one list of [options, callback].
  const [first] = Array.isArray(args[0]) ? args[0] : args;
  if (log !== undefined) appendFileSync(log, `${process.argv[1]} ${JSON.stringify(placeOf(first))}\n`);
  return connect.apply(this, args);
};

function placeOf(options) {
  if (typeof options !== 'object' || options === null) return options;
  const { host, port, path } = options;
  return { host, port, path };
}
