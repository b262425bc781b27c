// Configured models as the fleet and the tokenizer pool want them.
import type { Config, ModelConfig } from '../config/config.js';
import type { FleetModel } from '../router/fleet-model.js';
import { hubFolder, isHubReference } from '../tokenizer/hub-folder.js';
import { ENGINE_TOKENIZER } from '../tokenizer/match-task.js';
import type { RequestLimits } from '../tokenizer/request-limits.js';

export function fleetModel(model: ModelConfig): FleetModel {
  const { chatTemplate, chatTemplateContentFormat, trustRequestChatTemplate } = model;
  return {
    name: model.name,
    aliases: model.aliases,
    tokenizer: model.tokenizer,
    rendersMedia: model.renderMedia,
    blockSizeTokens: model.blockSize,
    hashAlgorithm: model.hashAlgorithm,
    hashSeed: model.hashSeed,
    maxModelLen: model.maxModelLen,
    apiKey: model.apiKey,
    replaceAuthorization: model.replaceAuthorization,
    chat: {
      chatTemplateContentFormat,
      trustRequestChatTemplate,
      ...(chatTemplate === null ? {} : { chatTemplate }),
    },
  };
}

/** Only what requests are measured by, for it travels with every version of the models. */
export function requestLimits({ messages, promptTokens }: Config['limits']): RequestLimits {
  return { messages, promptTokens };
}

/** Folders that `after` names and `before` does not. */
export function newTokenizers(
  before: readonly ModelConfig[],
  after: readonly ModelConfig[],
): ReadonlySet<string> {
  const folders = new Set(after.map(({ tokenizer }) => tokenizer));
  for (const known of [ENGINE_TOKENIZER, ...before.map(({ tokenizer }) => tokenizer)]) {
    folders.delete(known);
  }
  return folders;
}

/** The same with folders in place of repositories on the hub. Rejects with ConfigError. */
export async function withTokenizerFolders(config: Config): Promise<Config> {
  const models = await Promise.all(
    config.models.map(async (model) => {
      const { tokenizer } = model;
      return isHubReference(tokenizer)
        ? { ...model, tokenizer: await hubFolder(tokenizer) }
        : model;
    }),
  );
  return { ...config, models };
}
