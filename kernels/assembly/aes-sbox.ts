// The S-box of AES on 128 bytes at once: the circuit of Boyar and Peralta (IACR ePrint 2011/332) in their names, of
// 113 gates and no branch. Its four final negations are left out: they add 0x63 to every byte, which is the caller's.

/** In place, on eight planes of 16 bytes: plane i holds bit i of every byte. */
export function substitute(planes: usize): void {
  const x0 = v128.load(planes, 112);
  const x1 = v128.load(planes, 96);
  const x2 = v128.load(planes, 80);
  const x3 = v128.load(planes, 64);
  const x4 = v128.load(planes, 48);
  const x5 = v128.load(planes, 32);
  const x6 = v128.load(planes, 16);
  const x7 = v128.load(planes);

  // Top linear layer.
  const y14 = v128.xor(x3, x5);
  const y13 = v128.xor(x0, x6);
  const y9 = v128.xor(x0, x3);
  const y8 = v128.xor(x0, x5);
  const t0 = v128.xor(x1, x2);
  const y1 = v128.xor(t0, x7);
  const y4 = v128.xor(y1, x3);
  const y12 = v128.xor(y13, y14);
  const y2 = v128.xor(y1, x0);
  const y5 = v128.xor(y1, x6);
  const y3 = v128.xor(y5, y8);
  const t1 = v128.xor(x4, y12);
  const y15 = v128.xor(t1, x5);
  const y20 = v128.xor(t1, x1);
  const y6 = v128.xor(y15, x7);
  const y10 = v128.xor(y15, t0);
  const y11 = v128.xor(y20, y9);
  const y7 = v128.xor(x7, y11);
  const y17 = v128.xor(y10, y11);
  const y19 = v128.xor(y10, y8);
  const y16 = v128.xor(t0, y11);
  const y21 = v128.xor(y13, y16);
  const y18 = v128.xor(x0, y16);

  // Inversion in the field, by way of its subfields.
  const t2 = v128.and(y12, y15);
  const t4 = v128.xor(v128.and(y3, y6), t2);
  const t6 = v128.xor(v128.and(y4, x7), t2);
  const t7 = v128.and(y13, y16);
  const t9 = v128.xor(v128.and(y5, y1), t7);
  const t11 = v128.xor(v128.and(y2, y7), t7);
  const t12 = v128.and(y9, y11);
  const t14 = v128.xor(v128.and(y14, y17), t12);
  const t16 = v128.xor(v128.and(y8, y10), t12);
  const t21 = v128.xor(v128.xor(t4, t14), y20);
  const t22 = v128.xor(v128.xor(t6, t16), y19);
  const t23 = v128.xor(v128.xor(t9, t14), y21);
  const t24 = v128.xor(v128.xor(t11, t16), y18);
  const t25 = v128.xor(t21, t22);
  const t26 = v128.and(t21, t23);
  const t27 = v128.xor(t24, t26);
  const t29 = v128.xor(v128.and(t25, t27), t22);
  const t30 = v128.xor(t23, t24);
  const t31 = v128.xor(t22, t26);
  const t33 = v128.xor(v128.and(t31, t30), t24);
  const t34 = v128.xor(t23, t33);
  const t35 = v128.xor(t27, t33);
  const t36 = v128.and(t24, t35);
  const t37 = v128.xor(t36, t34);
  const t38 = v128.xor(t27, t36);
  const t40 = v128.xor(t25, v128.and(t29, t38));
  const t41 = v128.xor(t40, t37);
  const t42 = v128.xor(t29, t33);
  const t43 = v128.xor(t29, t40);
  const t44 = v128.xor(t33, t37);
  const t45 = v128.xor(t42, t41);
  const z0 = v128.and(t44, y15);
  const z1 = v128.and(t37, y6);
  const z2 = v128.and(t33, x7);
  const z3 = v128.and(t43, y16);
  const z4 = v128.and(t40, y1);
  const z5 = v128.and(t29, y7);
  const z6 = v128.and(t42, y11);
  const z7 = v128.and(t45, y17);
  const z8 = v128.and(t41, y10);
  const z9 = v128.and(t44, y12);
  const z10 = v128.and(t37, y3);
  const z11 = v128.and(t33, y4);
  const z12 = v128.and(t43, y13);
  const z13 = v128.and(t40, y5);
  const z14 = v128.and(t29, y2);
  const z15 = v128.and(t42, y9);
  const z16 = v128.and(t45, y14);
  const z17 = v128.and(t41, y8);

  // Bottom linear layer.
  const t46 = v128.xor(z15, z16);
  const t47 = v128.xor(z10, z11);
  const t48 = v128.xor(z5, z13);
  const t49 = v128.xor(z9, z10);
  const t50 = v128.xor(z2, z12);
  const t51 = v128.xor(z2, z5);
  const t52 = v128.xor(z7, z8);
  const t53 = v128.xor(z0, z3);
  const t54 = v128.xor(z6, z7);
  const t55 = v128.xor(z16, z17);
  const t56 = v128.xor(z12, t48);
  const t57 = v128.xor(t50, t53);
  const t58 = v128.xor(z4, t46);
  const t59 = v128.xor(z3, t54);
  const t60 = v128.xor(t46, t57);
  const t61 = v128.xor(z14, t57);
  const t62 = v128.xor(t52, t58);
  const t63 = v128.xor(t49, t58);
  const t64 = v128.xor(z4, t59);
  const t65 = v128.xor(t61, t62);
  const t66 = v128.xor(z1, t63);
  const t67 = v128.xor(t64, t65);
  const s3 = v128.xor(t53, t66);
  v128.store(planes, v128.xor(t59, t63), 112);
  v128.store(planes, v128.xor(t64, s3), 96);
  v128.store(planes, v128.xor(t55, t67), 80);
  v128.store(planes, s3, 64);
  v128.store(planes, v128.xor(t51, t66), 48);
  v128.store(planes, v128.xor(t47, t65), 32);
  v128.store(planes, v128.xor(t56, t62), 16);
  v128.store(planes, v128.xor(t48, t60));
}
