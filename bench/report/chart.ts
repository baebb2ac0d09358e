import sharp from 'sharp';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { chartConfig, type Theme } from './theme.ts';

/** A picture of the report. */
export interface Chart {
  /** Name of its files. */
  readonly name: string;
  readonly title: string;
  /** What it shows, in a sentence or two. */
  readonly caption: string;
  readonly spec: (theme: Theme) => TopLevelSpec;
}

/** One panel for each data set, with its own axes. */
export const PANELS = {
  column: { field: 'dataset', type: 'nominal', title: null, sort: ['CIFAR-100'] as string[] },
} as const;
export const PANEL = { width: 300, height: 320 } as const;

/** Dots per inch at which one unit of the SVG is a pixel, and those of the PNG. */
const [SVG_DENSITY, PNG_DENSITY] = [72, 144];

/** Gives every network a colour of its own. Throws if there are too few. */
export function byNetwork(points: readonly { readonly method: string }[], { series }: Theme) {
  const domain = [...new Set(points.map(({ method }) => method))];
  if (domain.length > series.length)
    throw new Error(`${domain.length} networks in a chart, but the theme has ${series.length} colours`);
  return { field: 'method', type: 'nominal', title: 'network', scale: { domain } } as const;
}

/** The chart in SVG. */
export function drawSvg({ spec }: Chart, theme: Theme): Promise<string> {
  const themed = { ...spec(theme), config: chartConfig(theme) };
  return new View(parse(compile(themed).spec), { renderer: 'none' }).toSVG();
}

/** Converts an SVG to a PNG with twice the resolution. */
export function pngOf(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(svg), {
    density: PNG_DENSITY,
    limitInputPixels: (PNG_DENSITY / SVG_DENSITY) * 2e8,
  })
    .png()
    .toBuffer();
}
