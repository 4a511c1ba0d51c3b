// `npm start`: whatever a fresh machine needs, then the server under the project's own Node.
// Any Node >= 18 runs this file; nothing but Node's own modules may be imported from here.

const major = Number(process.versions.node.split('.')[0]);
if (major < 18) {
  console.error(
    `Terrarium needs Node.js 18 or newer to install itself, and this is ${process.version}. Install a newer Node.js and run npm start again.`,
  );
  process.exit(1);
}

const { start } = await import('./serve.mjs');
process.exitCode = await start();
