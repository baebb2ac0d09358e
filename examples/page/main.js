// A page for Vite: `npm install ./sphynx-pi-0.1.0.tgz && npx vite build && npx vite preview`. The server lists its origin:
// `npx sphynx serve --set web.listen=127.0.0.1:50052 web.origins=http://localhost:4173`. The server's address stands behind
// the #: http://localhost:4173/#ws://127.0.0.1:50052
import { connect } from 'sphynx-pi/browser';

const answer = document.querySelector('#answer');
const client = await connect(location.hash.slice(1));
if (!client.durable) answer.textContent = 'This window keeps bundles in memory.';
await client.prepare();
answer.textContent = 'ready';
document.querySelector('#file').onchange = async ({ target }) => {
  const { top } = await client.classify(target.files[0]);
  answer.textContent = top[0].label;
};
