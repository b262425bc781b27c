import type OpenAI from 'openai';
import OpenAI5 from 'openai5';
import { openAiSdk } from './openai-sdk.js';
import { everyFactHolds } from './sdk-facts.js';

// What its types do not share with those of version 6 is not used.
everyFactHolds(openAiSdk('openai5', OpenAI5 as unknown as typeof OpenAI));
