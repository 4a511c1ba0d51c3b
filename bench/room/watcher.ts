/** The other person: in a thread of their own, they say when a text that is typed has reached them. */
import { parentPort, workerData } from 'node:worker_threads';
import { joinRoom, type RoomAddress, type RoomDoor } from '../../server/testing/room-typist.ts';

const { door, room } = workerData as { door: RoomDoor; room: RoomAddress };
const client = joinRoom(door, room);
await client.synced();
const text = client.source(0);
const tell = (): void => {
  // A thread's port has no origin to name.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage({ length: text.length, at: process.hrtime.bigint() });
};
text.observe(tell);
tell();
