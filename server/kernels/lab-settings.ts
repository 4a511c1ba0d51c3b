import JSON5 from 'json5';
import { AppError } from '@terrarium/contract';
import { isoMoment, type Clock } from '../plumbing/clock.ts';
import type { LabFiles, PluginSettings } from './lab-files.ts';
import type { LabDocument, LabShelf, LabStore } from './store.ts';

type Json = Record<string, unknown>;

const longestName = 500;

/** What JupyterLab keeps for a person: settings and configuration everywhere, layouts in each workspace. */
export function createLabSettings(options: { store: LabStore; files: LabFiles; clock: Clock }) {
  const { store, files, clock } = options;
  const settingsOf = (accountId: string): LabShelf => ({ account_id: accountId, kind: 'settings', scope: '' });
  const configOf = (accountId: string): LabShelf => ({ account_id: accountId, kind: 'config', scope: '' });
  const layoutsOf = (accountId: string, workspaceId: string): LabShelf => ({
    account_id: accountId,
    kind: 'layout',
    scope: workspaceId,
  });

  async function plugin(id: string): Promise<PluginSettings> {
    const known = (await files.settings()).find((candidate) => candidate.id === id);
    if (known === undefined) throw new AppError('NotFound', `There is no schema for "${id.slice(0, 200)}".`);
    return known;
  }

  async function config(accountId: string, section: string): Promise<Json> {
    const document = await store.get(configOf(accountId), checkedName(section));
    return document === undefined ? {} : toObject(JSON.parse(document.value));
  }

  return {
    async listSettings(accountId: string) {
      const own = new Map((await store.list(settingsOf(accountId))).map((document) => [document.name, document]));
      return (await files.settings()).map((known) => withOwn(known, own.get(known.id)));
    },
    async getSettings(accountId: string, id: string) {
      return withOwn(await plugin(id), await store.get(settingsOf(accountId), id));
    },
    /** @param raw  JSON with comments, kept as the person wrote it */
    async putSettings(accountId: string, id: string, raw: string): Promise<void> {
      await plugin(id);
      if (parseRaw(raw) === null) throw new AppError('InvalidInput', 'The settings are not a valid JSON object.');
      await store.put(settingsOf(accountId), id, raw, clock.now());
    },

    async listLayouts(accountId: string, workspaceId: string) {
      return (await store.list(layoutsOf(accountId, workspaceId))).map(toLayout);
    },
    async getLayout(accountId: string, workspaceId: string, id: string) {
      const document = await store.get(layoutsOf(accountId, workspaceId), checkedName(id));
      return document === undefined ? { data: {}, metadata: { id } } : toLayout(document);
    },
    async putLayout(accountId: string, workspaceId: string, id: string, layout: unknown): Promise<void> {
      const { data, metadata } = toObject(layout);
      if (toObject(metadata)['id'] !== id) {
        throw new AppError('InvalidInput', `The layout's metadata must have the id "${id.slice(0, 200)}".`);
      }
      const value = JSON.stringify({ data: toObject(data), metadata: { id } });
      await store.put(layoutsOf(accountId, workspaceId), checkedName(id), value, clock.now());
    },
    async deleteLayout(accountId: string, workspaceId: string, id: string): Promise<void> {
      if (await store.delete(layoutsOf(accountId, workspaceId), id)) return;
      throw new AppError('NotFound', `There is no layout "${id.slice(0, 200)}".`);
    },

    getConfig: config,
    async putConfig(accountId: string, section: string, value: unknown): Promise<void> {
      await store.put(configOf(accountId), checkedName(section), JSON.stringify(toObject(value)), clock.now());
    },
    /** Merges into what is there; null takes a key away. */
    async patchConfig(accountId: string, section: string, change: unknown): Promise<Json> {
      const merged = merge(await config(accountId, section), toObject(change));
      await store.put(configOf(accountId), section, JSON.stringify(merged), clock.now());
      return merged;
    },
  };
}

export type LabSettings = ReturnType<typeof createLabSettings>;

function withOwn(known: PluginSettings, own: LabDocument | undefined) {
  return {
    ...known,
    raw: own?.value ?? '{}',
    settings: (own === undefined ? null : parseRaw(own.value)) ?? {},
    created: own === undefined ? null : isoMoment(own.created_at),
    last_modified: own === undefined ? null : isoMoment(own.updated_at),
  };
}

function toLayout(document: LabDocument) {
  return {
    ...toObject(JSON.parse(document.value)),
    metadata: {
      id: document.name,
      created: isoMoment(document.created_at),
      last_modified: isoMoment(document.updated_at),
    },
  };
}

function parseRaw(raw: string): Json | null {
  try {
    const value: unknown = raw.trim() === '' ? {} : JSON5.parse(raw);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** @see jupyter_server, recursive_update */
export function merge(target: Json, change: Json): Json {
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(change)) {
    const present = merged.get(key);
    if (value === null) merged.delete(key);
    else if (isObject(value)) {
      const inner = merge(isObject(present) ? present : {}, value);
      if (Object.keys(inner).length === 0) merged.delete(key);
      else merged.set(key, inner);
    } else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

function checkedName(name: string): string {
  if (name === '' || name.length > longestName) throw new AppError('InvalidInput', 'That name is too long.');
  return name;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toObject(value: unknown): Json {
  if (!isObject(value)) throw new AppError('InvalidInput', 'The body must be a JSON object.');
  return value;
}
