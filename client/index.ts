/** The client as a library: `import { connect } from 'sphynx-pi'`. */

export { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
export type { ModelCard } from '../model/card.ts';
export type { ModelSummary } from '../transport/messages.ts';
export type { Allowance } from './allowance.ts';
export type { BundleHeader } from './bundle-header.ts';
export type { BundlePool, PoolOptions, PoolStatus } from './bundle-pool.ts';
export type { CallMetadata } from './call-metadata.ts';
export type { Classification } from './classify.ts';
export type { ClassifyOptions, Client, PrepareOptions } from './client.ts';
export { type ConnectOptions, connect } from './connect.ts';
export type { ImageInput, RawImage } from './image.ts';
export type { ClassifyInput } from './input.ts';
export type { PassedSegment } from './observed-channel.ts';
export type { PrepareProgress } from './prepare.ts';
export type { RemovedModel } from './removed-models.ts';
export type { Score } from './scores.ts';
export type { ValuesInput } from './values.ts';
