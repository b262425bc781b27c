import OpenAI from 'openai';
import { openAiSdk } from './openai-sdk.js';
import { everyFactHolds } from './sdk-facts.js';

everyFactHolds(openAiSdk('openai', OpenAI));
