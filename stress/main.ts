/** `npm run stress -- COMMAND`: attacks and stresses the system, and reports what breaks. */
import { Command } from 'commander';
import { note, runProgram } from '../bench/run-program.ts';
import { faultsCommand } from './faults/command.ts';
import { fuzzCommand } from './fuzz/command.ts';
import { fuzzImportCommand } from './import-fuzz/command.ts';
import { soakCommand } from './soak/command.ts';

const program = new Command('stress').description('attacks and stresses private inference');
program.addCommand(fuzzCommand(note));
program.addCommand(fuzzImportCommand());
program.addCommand(faultsCommand(note));
program.addCommand(soakCommand(note));
await runProgram(program);
