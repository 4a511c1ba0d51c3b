import { AppError, type Image, type KernelSummary } from '@terrarium/contract';

export type Images = ReturnType<typeof createImages>;

/** The catalogue: what the compute driver offers. */
export function createImages(options: { describe: () => Promise<{ images: Image[]; notes: string[] }> }) {
  async function required(reference: string): Promise<Image> {
    const { images } = await options.describe();
    const image = images.find((candidate) => candidate.reference === reference);
    if (image === undefined) {
      const offered = images.map((candidate) => `"${candidate.reference}"`).join(', ');
      const message = `There is no image "${reference}" here. Choose one of: ${offered === '' ? 'none is offered' : offered}.`;
      throw new AppError('InvalidInput', message, { fields: { image: message } });
    }
    return image;
  }

  async function defaultImage(): Promise<Image> {
    const { images, notes } = await options.describe();
    const image = images.find((candidate) => candidate.isDefault) ?? images[0];
    if (image === undefined) {
      throw new AppError('NotPossibleNow', `No image can be used on this machine. ${notes.join(' ')}`.trim());
    }
    return image;
  }

  return {
    list: async (): Promise<Image[]> => (await options.describe()).images,
    /** @throws AppError InvalidInput */
    required,
    default: defaultImage,
    /** What each image is called, by its reference. */
    titles: async (): Promise<ReadonlyMap<string, string>> =>
      new Map((await options.describe()).images.map(({ reference, title }) => [reference, title])),
    /** The kernels a new notebook can name, of the default image. */
    kernels: async (): Promise<KernelSummary[]> => (await defaultImage()).kernels,
    /** The kernel of that name in the default image, or null. */
    kernel: async (name: string): Promise<KernelSummary | null> =>
      (await defaultImage()).kernels.find((kernel) => kernel.name === name) ?? null,
  };
}
