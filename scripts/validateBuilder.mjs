// Holds electron-builder.yml against electron-builder's own schema, offline.
import { createRequire } from 'node:module';
import { root } from './setup/project.mjs';

const require = createRequire(import.meta.url);
const { getConfig, validateConfiguration } = require('app-builder-lib/out/util/config/config.js');
const { DebugLogger } = require('builder-util');

const configuration = await getConfig(root, 'electron-builder.yml', null);
await validateConfiguration(configuration, new DebugLogger(false));
console.log('electron-builder.yml is valid');
