// A module of our own to import on demand: a bundle keeps the names of its exports, those of a CommonJS package it does not.
export { spawn } from '@lydell/node-pty';
