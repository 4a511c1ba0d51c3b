import { readdir, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Every settings schema of the packages, with our defaults, as `GET lab/api/settings` lists them.
 * The server adds each person's `raw`, `settings`, `created` and `last_modified`.
 */
export async function loadSchemas(lab) {
  const overrides = JSON.parse(await readFile(join(lab, 'overrides.json'), 'utf8'));
  const { dependencies } = JSON.parse(await readFile(join(lab, 'package.json'), 'utf8'));
  const unused = new Set(Object.keys(overrides));
  const settings = [];
  for (const name of Object.keys(dependencies).sort()) {
    const root = join(lab, 'node_modules', name);
    const folder = join(root, 'schema');
    if (!/^@jupyter(lab|-widgets)\//.test(name) || !existsSync(folder)) continue;
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    for (const file of (await readdir(folder)).sort()) {
      const id = `${name}:${file.replace(/\.json$/, '')}`;
      const schema = JSON.parse(await readFile(join(folder, file), 'utf8'));
      applyDefaults(id, schema, overrides[id]);
      unused.delete(id);
      settings.push({
        id,
        schema,
        version,
        settings: {},
        raw: '{}',
        created: null,
        last_modified: null,
        warning: null,
      });
    }
  }
  if (unused.size > 0) throw new Error(`lab: overrides.json names unknown plugins: ${[...unused].join(', ')}`);
  return settings;
}

function applyDefaults(id, schema, defaults) {
  for (const [key, value] of Object.entries(defaults ?? {})) {
    if (key === 'jupyter.lab.toolbars' || key === 'jupyter.lab.menus' || key === 'jupyter.lab.shortcuts') {
      schema[key] = value;
      continue;
    }
    const property = schema.properties?.[key];
    if (property === undefined)
      throw new Error(`lab: overrides.json sets ${id} "${key}", which its schema does not have`);
    property.default = value;
  }
}
