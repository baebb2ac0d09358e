/** Bounds on what a model card may claim, so that a hostile one cannot make its reader allocate or loop without end. */

/** Characters of the model's name. */
export const MAX_NAME = 64;
/** Characters of one class label. */
export const MAX_LABEL = 128;
/** Largest channel count; also the largest number of classes (ImageNet-21k fits). */
export const MAX_CHANNELS = 32_768;
/** Largest height or width of a tensor: twice what ImageNet networks read. */
export const MAX_SIDE = 512;
/** Largest kernel height or width: collapsed cells reach 20, and a kernel can at most span a tensor. */
export const MAX_KERNEL = 512;
/** Largest stride of a collapsed layer. */
export const MAX_STRIDE = 64;
/** Linear layers of one network. */
export const MAX_LAYERS = 512;
/** Tensors that one linear layer reads. */
export const MAX_TERMS = 64;
/** Elements of all tensors together: twice as many as DenseNet-121 has at 224x224. */
export const MAX_ELEMENTS = 2 ** 25;
/** Weights of all layers together (4 bytes each in memory). */
export const MAX_WEIGHTS = 2 ** 28;
/** Bits of the ring that a ReLU gadget compares. */
export const RING_BITS = { min: 2, max: 20 } as const;
/**
 * The fewest bits that a gadget drops, f. Private linear layers have errors of 15 units (linear-error.ts), which are a
 * quarter of what is kept at f = 6; at fewer bits they would be larger than the rounding itself.
 */
export const MIN_DROP_BITS = 6;
/** The most bits that a square drops: its number before squaring keeps at least two bits, sign included. */
export const MAX_SQUARE_DROP_BITS = 28;
/** The most bits by which ReLUs and linear elements are shifted up beside squares: those that a ring of 12 bits leaves. */
export const MAX_SHIFT_BITS = 20;
/** k + f: the bits of a linear layer's output, sign included. */
export const MAX_PRODUCT_BITS = 32;
/** Largest mean and deviation of an input, and the smallest deviation's inverse: columns have units of their own. */
export const MAX_PREPROCESSING = 1e9;
/** Bits of scale of the input, up or down: numbers of any unit fit. */
export const MAX_INPUT_SCALE_BITS = 64;
/** Largest magnitude of an element of the input: integers of 32 bits with their sign, and a factor of two to spare. */
export const MAX_INPUT = 2 ** 30;
/** Bits of scale of the logits: they are 32-bit words. */
export const MAX_LOGIT_SCALE_BITS = 30;
