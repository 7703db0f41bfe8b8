import { connect } from 'mqtt';

export interface SessionClient {
  clientId: string;
  mqttVersion: '5' | '3.1.1';
  username?: string;
  password?: string;
}

/** Whether the broker at `url` has a session of this client, found with bare mqtt.js under the same client id. */
export async function hasSession(url: string, { mqttVersion, ...as }: SessionClient): Promise<boolean> {
  const protocolVersion = mqttVersion === '5' ? 5 : 4;
  const client = connect(url, { ...as, clean: false, protocolVersion, reconnectPeriod: 0 });
  const present = await new Promise<boolean>((resolve, reject) => {
    client.once('connect', (packet) => resolve(packet.sessionPresent));
    client.once('error', reject);
  });
  await client.endAsync();
  return present;
}
