import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `vite` on its own talks to a control plane that runs already; TERRARIUM says where. */
const server = process.env['TERRARIUM'] ?? 'http://localhost:4280';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // light-dark() in style sheets is used as it is.
    target: ['chrome123', 'edge123', 'firefox125', 'safari17.5'],
    // Fonts and icons stay files: the page's content policy allows no data: URL but for images.
    assetsInlineLimit: 0,
    // The preview page brings KaTeX and highlight.js; it is loaded when a notebook is previewed.
    chunkSizeWarningLimit: 800,
  },
  server: {
    host: '127.0.0.1',
    // The server checks Origin on what changes things, so the proxy must speak as the app's own origin.
    proxy: { '/api': { target: server, changeOrigin: true, headers: { origin: server } } },
  },
});
