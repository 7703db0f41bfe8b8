/** A network between client and broker that fails on command. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** Open connections. */
  readonly connections: number;
  /** Connections so far. */
  readonly accepted: number;
  /** Closes all connections; new ones are accepted. */
  cut(): void;
  /** Keeps connections open but passes nothing on until it is turned off. Then everything held back is passed on. */
  blackHole(on: boolean): void;
  /** Passes nothing from the broker to the client, so that acknowledgements do not arrive. */
  holdReplies(on: boolean): void;
  /** Closes each new connection at once. */
  refuse(on: boolean): void;
  /** Ends the broker's side of each connection cleanly; the client's side stays open for writing. */
  halfClose(): void;
  /** Delays all further data in both directions by this many milliseconds. */
  delay(ms: number): void;
  stop(): Promise<void>;
}

interface Pair {
  client: Socket;
  broker: Socket;
}

/** Listens on a free port of 127.0.0.1 and forwards to `target`. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let refusing = false;
  let holding = false;
  let holdingReplies = false;
  let late = 0;
  let accepted = 0;

  const settle = ({ client, broker }: Pair) => {
    if (holding) client.pause();
    else client.resume();
    if (holding || holdingReplies) broker.pause();
    else broker.resume();
  };

  const pass = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => {
      if (late === 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), late);
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    accepted++;
    if (refusing) {
      client.on('error', () => {});
      client.destroy();
      return;
    }
    const broker = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { client, broker };
    pairs.add(pair);
    client.on('close', () => pairs.delete(pair));
    pass(client, broker);
    pass(broker, client);
    settle(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = () => {
    for (const pair of pairs) {
      pair.client.resetAndDestroy();
      pair.broker.destroy();
    }
  };
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    cut,
    blackHole(on) {
      holding = on;
      for (const pair of pairs) settle(pair);
    },
    holdReplies(on) {
      holdingReplies = on;
      for (const pair of pairs) settle(pair);
    },
    refuse(on) {
      refusing = on;
    },
    halfClose() {
      for (const { client } of pairs) client.end();
    },
    delay(ms) {
      late = ms;
    },
    async stop() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
