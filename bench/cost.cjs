// Loaded into a program that is measured: leaves its processor time (user and system, milliseconds) and its peak of memory (kB) in
// COST_FILE at its end.
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(process.env.COST_FILE, JSON.stringify({ cost: (userCPUTime + systemCPUTime) / 1000, rss: maxRSS }));
});
