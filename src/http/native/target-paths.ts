import type { Fleet } from '../../serving/fleet.ts';
import type { Target } from '../../serving/target.ts';

export type TargetParams = {
  readonly name: string;
  readonly version: string;
  readonly alias: string;
  readonly major: string;
};
export type FindTarget = (params: TargetParams) => Target | Promise<Target>;

/** The paths of `predict`, each with the target that it means. */
export function targetPaths(fleet: Fleet): readonly (readonly [string, FindTarget])[] {
  return [
    ['/predict', () => fleet.default()],
    ['/predict/v:major(^[0-9]{1,9}$)', ({ major }) => fleet.major(Number(major))],
    ['/models/:name/predict', ({ name }) => fleet.named(name)],
    [
      '/models/:name/versions/:version/predict',
      ({ name, version }) => fleet.version(name, (named) => ({ ...named, by: 'version', version })),
    ],
    [
      '/models/:name/aliases/:alias/predict',
      ({ name, alias }) => fleet.version(name, (named) => ({ ...named, by: 'alias', alias })),
    ],
  ];
}
