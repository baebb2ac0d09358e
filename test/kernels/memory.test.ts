import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelMemory } from '../../kernels/memory.ts';

const END = 65536;

test('clearing leaves nothing of what scopes wrote, and touches no table that is kept', () => {
  const memory = new KernelMemory(new ArrayBuffer(END), 100);
  const kept = memory.keep(1000).fill(1);
  memory.scope(() => {
    memory.bytes(500).fill(2);
    memory.scope(() => memory.u32(4000).fill(3));
    memory.i32(10).fill(4);
  });
  const all = new Uint8Array(memory.buffer);
  all.fill(9, 0, 100);
  assert.ok(all.subarray(112, END - 1008).some((byte) => byte !== 0));
  memory.clear();
  assert.ok(all.subarray(112, END - 1008).every((byte) => byte === 0));
  assert.ok(all.subarray(0, 100).every((byte) => byte === 9));
  assert.ok(kept.every((byte) => byte === 1));
});

test('what a scope leaves behind after a clearing is found by the next one', () => {
  const memory = new KernelMemory(new ArrayBuffer(END), 0);
  const leave = (length: number) => memory.scope(() => memory.bytes(length).fill(5));
  leave(10_000);
  memory.clear();
  leave(100);
  memory.clear();
  assert.ok(new Uint8Array(memory.buffer).every((byte) => byte === 0));
});

test('a scope that fails is cleared too, and none is cleared while it runs', () => {
  const memory = new KernelMemory(new ArrayBuffer(END), 0);
  assert.throws(
    () =>
      memory.scope(() => {
        memory.bytes(64).fill(6);
        memory.clear();
      }),
    { code: 'kernels/memory' },
  );
  memory.clear();
  assert.ok(new Uint8Array(memory.buffer).every((byte) => byte === 0));
});

test('a table that is kept where a scope has been is empty, and stays when the memory is cleared', () => {
  const memory = new KernelMemory(new ArrayBuffer(END), 0);
  memory.scope(() => memory.bytes(60_000).fill(7));
  const kept = memory.keep(20_000);
  assert.ok(kept.every((byte) => byte === 0));
  kept.fill(1);
  memory.clear();
  assert.ok(kept.every((byte) => byte === 1));
  assert.ok(new Uint8Array(memory.buffer, 0, kept.byteOffset).every((byte) => byte === 0));
});
