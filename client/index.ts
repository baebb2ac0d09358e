/**
 * The client as a library: `import { connect } from 'sphynx-pi'`.
 *
 * @module
 */

export { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
export type { Calibration, CardFormat, ModelCard, Preprocessing } from '../model/card.ts';
export type { OutputHead } from '../model/head.ts';
export type { InputKind } from '../model/input-kind.ts';
export type { Output } from '../model/output.ts';
export type { CardLayer, GadgetParameters, LayerShape, Shape, Squares, TermShape } from '../model/shape.ts';
export type { LayerTiming } from '../protocol/online.ts';
export type { Traffic } from '../protocol/plan.ts';
export type { SegmentKind } from '../protocol/segment.ts';
export type { ModelSummary, Quote } from '../transport/messages.ts';
export type { Allowance } from './allowance.ts';
export type { BundleBody, BundleHeader } from './bundle-header.ts';
export type { BundlePool, PoolOptions, PoolStatus } from './bundle-pool.ts';
export type { CallMetadata } from './call-metadata.ts';
export type { Classification } from './classify.ts';
export type { ClassifyOptions, Client, PrepareOptions } from './client.ts';
export { type ConnectOptions, connect } from './connect.ts';
export type { BearerToken } from './connection.ts';
export type { ImageInput, RawImage } from './image.ts';
export type { ClassifyInput } from './input.ts';
export type { Deadlines } from './limits.ts';
export type { PassedSegment, SegmentListener } from './observed-channel.ts';
export type { PrepareProgress } from './prepare.ts';
export type { RemovedModel } from './removed-models.ts';
export type { Score } from './scores.ts';
export type { Security } from './security.ts';
export type { ValuesInput } from './values.ts';
