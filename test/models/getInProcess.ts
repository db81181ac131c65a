import { handlersOver } from './testPorts.ts';

// Gets a model in a process of its own: `getInProcess.ts MODELS_FOLDER USER_DATA_FOLDER MODEL_ID`.
const [modelsFolder = '', userDataFolder = '', modelId = ''] = process.argv.slice(2);
const models = handlersOver({ modelsFolder, userDataFolder });
for await (const event of models.get({ modelId })) process.stdout.write(`${event.kind}\n`);
