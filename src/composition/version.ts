/** The package's version, put in by the build; a source run says so. */
declare const SLIPWAY_VERSION: string | undefined;
export const VERSION: string = typeof SLIPWAY_VERSION === 'string' ? SLIPWAY_VERSION : '0.0.0-source';
