import { parseArgs } from 'node:util';
import { isAbort } from '../../preload/contract/errors.ts';
import { openHost, SightlineHost } from '../host.ts';
import { openLog } from '../shell/logFile.ts';
import { createNodePorts, userDataFolder } from '../loopback/nodePorts.ts';
import { COMMANDS } from './commands.ts';
import type { Command, CommandValues } from './commands.ts';
import { EXIT } from './exitCodes.ts';
import type { ExitCode } from './exitCodes.ts';
import { HELP } from './help.ts';
import { processOutput } from './output.ts';
import { UsageError } from './usageError.ts';

interface Invocation {
  readonly name: string;
  readonly command: Command;
  readonly values: CommandValues;
  readonly positionals: readonly string[];
}

/** The command asked for; null when help is. @throws UsageError, TypeError of `parseArgs`. */
function parseInvocation(args: readonly string[]): Invocation | null {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || args.includes('--help') || args.includes('-h')) return null;
  const command = COMMANDS.get(name);
  if (command === undefined) throw new UsageError(`There is no command ${name}.`);
  const { values, positionals } = parseArgs({
    args: rest,
    options: { ...command.options, case: { type: 'string' }, json: { type: 'boolean' } },
    allowPositionals: true,
  });
  return { name, command, values, positionals };
}

async function runCommand({ name, command, values, positionals }: Invocation): Promise<ExitCode> {
  const output = processOutput(values['json'] === true);
  const work = command.prepare(values, positionals);
  const userData = userDataFolder();
  const log = openLog(userData, 'error');
  const given = values['case'];
  const ports = createNodePorts({ hostReason: null, userData, log });
  const host = command.opensCase
    ? await openHost(ports, {
        caseFolder: typeof given === 'string' ? given : null,
        createsCase: command.worksThroughQueue,
        worksThroughQueue: command.worksThroughQueue,
      })
    : new SightlineHost(ports, false);
  const interrupt = new AbortController();
  const onInterrupt = (): void => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  };
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt);
  try {
    return await work({ host, output, signal: interrupt.signal });
  } catch (thrown) {
    if (!isAbort(thrown)) throw thrown;
    const kept = command.opensCase ? `found so far is kept in ${host.caseFolder()}` : 'came so far is kept.';
    output.note(`\nStopped. What ${kept}`);
    if (name === 'analyze') output.note('The same command goes on where this one stopped.');
    return EXIT.interrupted;
  } finally {
    await host.close();
  }
}

/** Runs one command line; says what went wrong on stderr. */
async function main(args: readonly string[]): Promise<ExitCode> {
  try {
    const invocation = parseInvocation(args);
    if (invocation === null) {
      process.stdout.write(HELP);
      return EXIT.ok;
    }
    return await runCommand(invocation);
  } catch (thrown) {
    const isUsage = thrown instanceof UsageError || thrown instanceof TypeError;
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    if (isUsage) process.stderr.write('sightline --help shows what there is.\n');
    return isUsage ? EXIT.usage : EXIT.failed;
  }
}

process.exitCode = await main(process.argv.slice(2));
