/** For `node --import`: a process whose clock is off by CLOCK_SHIFT_MS. */
const shift = Number(process.env.CLOCK_SHIFT_MS);
const now = Date.now;
Date.now = () => now() + shift;
