// The models of a MatchModels text, by every name a client may use.
import { RouterError } from '../errors.js';
import { type ChatSettings, chatSettings } from './chat-settings.js';
import type { MatchModel, MatchModels } from './match-task.js';

export interface NamedModel {
  readonly model: MatchModel;
  readonly chat: ChatSettings;
  /** Adapter the name stands for; null for the base model. */
  readonly loraName: string | null;
}

export class ModelCatalog {
  readonly version: number;
  readonly models: readonly MatchModel[];
  private readonly names = new Map<string, NamedModel>();

  /** REQUIRES: `text` was written from MatchModel[] by this process. */
  constructor({ version, text }: MatchModels) {
    this.version = version;
    this.models = JSON.parse(text);
    for (const model of this.models) {
      const chat = chatSettings(model.chat);
      for (const name of [model.name, ...model.aliases]) {
        this.names.set(name, { model, chat, loraName: null });
      }
      for (const loraName of model.loraAdapters) {
        this.names.set(loraName, { model, chat, loraName });
      }
    }
  }

  /** Throws RouterError `model_not_found` in vLLM's words. An empty name means the base model, as in
   * vLLM, as long as there is only one. */
  find(name: string): NamedModel {
    const [only, ...others] = this.models;
    const wanted = name === '' && only !== undefined && others.length === 0 ? only.name : name;
    const found = this.names.get(wanted);
    if (found !== undefined) return found;
    if (wanted === '') {
      const known = this.models.map((model) => model.name).join(', ');
      throw new RouterError('invalid_request', `model: is required, one of ${known}`, {
        param: 'model',
      });
    }
    throw new RouterError('model_not_found', `The model \`${name}\` does not exist.`, {
      param: 'model',
    });
  }
}
