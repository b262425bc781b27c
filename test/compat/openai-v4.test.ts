import type OpenAI from 'openai';
import OpenAI4 from 'openai4';
import { openAiSdk } from './openai-sdk.js';
import { everyFactHolds } from './sdk-facts.js';

// What its types do not share with those of version 6 is not used.
everyFactHolds(openAiSdk('openai4', OpenAI4 as unknown as typeof OpenAI));
