// Calls that change or ask the state of engines rather than generate: what they are, whom they must
// reach, and what they do to the blocks an engine holds (VLLM.md 4).

export interface ControlCall {
  /** vLLM has it only in development mode (VLLM_SERVER_DEV_MODE=1). */
  readonly development: boolean;
  readonly effect: ControlEffect;
}

/** What a successful call does to an engine, as far as the router must know. */
export type ControlEffect =
  | { readonly kind: 'none' }
  /** The engine has dropped its blocks: on the GPU only, or wherever they were. */
  | { readonly kind: 'clears'; readonly everywhere: boolean; readonly sleeps: boolean }
  | { readonly kind: 'wakes' }
  /** It serves other adapters than before. */
  | { readonly kind: 'adapters' };

const NONE: ControlEffect = { kind: 'none' };
const CLEARS: ControlEffect = { kind: 'clears', everywhere: false, sleeps: false };

type EffectOf = (query: URLSearchParams) => ControlEffect;

const DEVELOPMENT: Readonly<Record<string, EffectOf>> = {
  '/reset_prefix_cache': (query) => ({ ...CLEARS, everywhere: isTrue(query, 'reset_external') }),
  '/reset_mm_cache': () => NONE,
  '/reset_encoder_cache': () => NONE,
  // Level 0 only pauses the scheduler.
  '/sleep': (query) => ({ ...(query.get('level') === '0' ? NONE : { ...CLEARS, sleeps: true }) }),
  // With tags only a part comes back, and the engine's metrics tell when it is awake.
  '/wake_up': (query) => (query.has('tags') ? NONE : { kind: 'wakes' }),
  '/is_sleeping': () => NONE,
  '/pause': (query) => {
    const keeps =
      query.get('mode') === 'keep' || /^(false|0)$/i.test(query.get('clear_cache') ?? '');
    return keeps ? NONE : CLEARS;
  },
  '/resume': () => NONE,
  '/is_paused': () => NONE,
  '/init_weight_transfer_engine': () => NONE,
  '/start_weight_update': () => NONE,
  '/start_draft_weight_update': () => NONE,
  '/update_weights': () => CLEARS,
  '/finish_weight_update': () => CLEARS,
  '/update_weight_version': () => NONE,
  '/weight_info': () => NONE,
  '/get_world_size': () => NONE,
  '/server_info': () => NONE,
  '/collective_rpc': () => NONE,
};

const ALWAYS: Readonly<Record<string, EffectOf>> = {
  '/v1/load_lora_adapter': () => ({ kind: 'adapters' }),
  '/v1/unload_lora_adapter': () => ({ kind: 'adapters' }),
  '/start_profile': () => NONE,
  '/stop_profile': () => NONE,
  '/abort_requests': () => NONE,
};

/** null: the path is no control call. */
export function controlCall(path: string, query: string): ControlCall | null {
  const development = Object.hasOwn(DEVELOPMENT, path);
  const effectOf = development
    ? DEVELOPMENT[path]
    : Object.hasOwn(ALWAYS, path)
      ? ALWAYS[path]
      : null;
  if (effectOf === undefined || effectOf === null) return null;
  return { development, effect: effectOf(new URLSearchParams(query)) };
}

function isTrue(query: URLSearchParams, name: string): boolean {
  return /^(true|1)$/i.test(query.get(name) ?? '');
}
