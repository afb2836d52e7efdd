/** The tag by which a version says what its files are; Slipway sets it when it pushes. */
export const DIGEST_TAG = 'slipway.digest';
export const SEMVER_TAG = 'slipway.semver';
/** Where a semantic version is looked for, in this order. */
export const SEMVER_TAGS: readonly string[] = [SEMVER_TAG, 'semver', 'version'];
