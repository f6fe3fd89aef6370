// What dhcpd-leases (npm) makes of a lease file.
const read = require(process.argv[2]);
const text = require('fs').readFileSync(process.argv[3], 'utf8');
console.log(JSON.stringify(read(text), null, 1));
