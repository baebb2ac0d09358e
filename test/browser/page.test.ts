import { CHROMIUM } from './driven.ts';
import { pageSuite } from './page-suite.ts';

pageSuite(CHROMIUM);
