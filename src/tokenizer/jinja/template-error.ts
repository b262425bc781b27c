// Failure of a chat template: wrong source, or an exception while it renders.
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateError';
  }
}
