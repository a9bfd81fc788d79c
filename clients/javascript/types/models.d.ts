/**
 * The API's records, as the API writes them. Fields that are not listed here may be there too.
 */
export type Status = "pending" | "processing" | "uploading" | "success" | "error";
/**
 * A stored picture: `size` in bytes, `width` and `height` in pixels.
 */
export type Picture = {
    url: string;
    contentType: string;
    size: number;
    width: number;
    height: number;
    sha256?: string | undefined;
};
/**
 * A generation as it stood when it was read; `output` is the URL of its first picture.
 */
export type Generation = {
    id: string;
    status: Status;
    output: string | null;
    thumbnail: string | null;
    error: string | null;
    model: string | null;
    tool: string | null;
    type: string;
    payload: Record<string, unknown>;
    /**
     * All pictures; a webhook has them only where there are several.
     */
    outputs?: Picture[] | undefined;
    createdAt: string;
};
/**
 * A part of a list, newest first.
 */
export type Page = {
    data: Generation[];
    pagination: {
        limit: number;
        hasMore: boolean;
        nextCursor: string | null;
    };
};
/**
 * A model of the catalog; `cost` is in credits for each `costUnit`.
 */
export type Model = {
    slug: string;
    name: string;
    description: string;
    available: boolean;
    cost: number;
    costUnit: string;
    inputSchema: Record<string, unknown>;
};
/**
 * The owner of the key; `credits` is null where the user is not metered.
 */
export type Account = {
    id: string;
    email: string;
    credits: number | null;
    plan: string;
};
/**
 * An uploaded file; its `url` may be an item of the input `image_urls`.
 */
export type File = {
    id: string;
    url: string;
    mimetype: string;
    size: number;
};
/**
 * One field at fault.
 */
export type FieldError = {
    field: string;
    message: string;
    code: string;
};
