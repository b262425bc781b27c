#!/usr/bin/env node
// Process entry: picks the command, turns a failure into a message and an exit code.
process.stderr.write('being built\n');
process.exitCode = 1;
