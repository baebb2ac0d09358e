// A page for Vite: `npm install sphynx-pi vite && npx vite build`. The server runs with `web.listen` and lists this page's
// origin in `web.origins`; its address stands behind the #.
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
