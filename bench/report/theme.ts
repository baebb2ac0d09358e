import type { Config } from 'vega-lite';

/** Colours of the page and its charts, for a light or a dark screen. */
export interface Theme {
  readonly name: 'light' | 'dark';
  readonly background: string;
  readonly ink: string;
  readonly faint: string;
  readonly grid: string;
  /** Colours of categories, which are distinguishable with red-green colour blindness. */
  readonly series: readonly string[];
}

export const THEMES: readonly Theme[] = [
  {
    name: 'light',
    background: '#ffffff',
    ink: '#1c2530',
    faint: '#5b6672',
    grid: '#e4e8ec',
    series: [
      '#0b62b0',
      '#d9630d',
      '#16805a',
      '#8a3fc2',
      '#b0850a',
      '#c22f6d',
      '#5f6b78',
      '#2aa3c4',
      '#7a4a2b',
      '#7fa81c',
      '#1f2f8f',
      '#cf9be0',
    ],
  },
  {
    name: 'dark',
    background: '#14181d',
    ink: '#e6eaee',
    faint: '#a3adb8',
    grid: '#2c343d',
    series: [
      '#5aaef5',
      '#ff9a4d',
      '#4fd09c',
      '#c795f2',
      '#e5c04b',
      '#f57fae',
      '#aab4bf',
      '#6fd7f2',
      '#c79a7a',
      '#b9dd57',
      '#7f8cff',
      '#f3d2fb',
    ],
  },
];

export const FONT = 'system-ui, "DejaVu Sans", sans-serif';

/** Returns the style of charts. */
export function chartConfig({ background, ink, faint, grid, series }: Theme): Config {
  const text = { labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontSize: 13 };
  return {
    background,
    font: FONT,
    padding: 14,
    view: { stroke: grid },
    mark: { color: series[0] },
    axis: {
      ...{ ...text, gridColor: grid, domainColor: faint, tickColor: faint },
      ...{ titleFontWeight: 'normal', labelLimit: 320, titlePadding: 10 },
    },
    legend: { ...text, titleFontWeight: 'normal', labelLimit: 320, symbolBaseFillColor: ink },
    header: { labelColor: ink, titleColor: ink, labelFontSize: 14, labelFontWeight: 'bold' },
    title: { color: ink, fontSize: 14, anchor: 'start', offset: 10 },
    range: { category: [...series] },
    text: { color: ink },
    rule: { color: faint },
  };
}
