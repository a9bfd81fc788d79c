// The documents that the console reads from the API, for the type check of its JavaScript. Times are ISO 8601 in UTC.

type Child = Node | string | number | boolean | null | undefined | Child[];

interface FieldProblem {
  field: string;
  message: string;
}

interface Page<T> {
  data: T[];
  pagination: { limit: number; nextCursor: string | null; searchedBackTo?: string };
}

interface User {
  id: string;
  email: string;
  name: string;
  plan: string | null;
  credits: number | null;
  budgetPerDay: number | null;
  budgetPerMonth: number | null;
  disabledAt: string | null;
  createdAt: string;
  spentToday?: number;
  spentThisMonth?: number;
}

interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  userId: string;
  userEmail: string;
  test: boolean;
  scopes: string[] | null;
  requestsPerMinute: number | null;
  models: string[] | null;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  revokedAt: string | null;
  disabledAt: string | null;
  userDisabledAt: string | null;
  budgetPerDay: number | null;
  budgetPerMonth: number | null;
  spentToday?: number;
  spentThisMonth?: number;
}

interface LedgerEntry {
  id: string;
  kind: string;
  amount: number;
  generationId: string | null;
  note: string | null;
  createdAt: string;
}

interface WebhookSecret {
  version: number;
  secret: string;
  retired: { version: number; secret: string; signsUntil: string }[];
}

interface Provider {
  name: string;
  needsKey: boolean;
  /** The template's parameter without which it serves nothing. */
  parameter: string | null;
  set: boolean | null;
  configured: boolean;
  /** Whether it can be tested by a call that costs nothing. */
  testable: boolean;
  models: string[];
  /** Models that have ended there, or will soon; `name` is the provider's own. */
  endings: { model: string; name: string; ends: string; ended: boolean }[];
  breaker: "open" | "closed";
  probeAt: string | null;
  lastError: string | null;
  lastErrorAt: string | null;
}

interface ProviderTest {
  name: string;
  accepted: boolean;
  message: string | null;
}

interface StoredImage {
  url: string;
  contentType: string;
  size: number;
  sha256: string;
  width: number;
  height: number;
}

interface ProviderAttempt {
  provider: string;
  model?: string | null;
  at: string;
  duration: number | null;
  error: string | null;
}

interface DeliveryAttempt {
  at: string;
  duration: number;
  statusCode: number | null;
  reason: string | null;
  answer: string | null;
}

interface Delivery {
  id: string;
  event: string;
  url: string;
  status: string;
  reason: string | null;
  attempts?: DeliveryAttempt[];
  nextAttemptAt: string | null;
  createdAt: string;
}

/** A generation as its client sees it. */
interface Generation {
  id: string;
  status: string;
  output: string | null;
  thumbnail: string | null;
  model: string;
  type: string;
  payload: Record<string, any> | null;
  error: string | null;
  createdAt: string;
  outputs?: StoredImage[];
  attempts?: ProviderAttempt[];
}

/** A generation as the operator sees it in a list. */
interface OperatorGeneration extends Generation {
  userId: string;
  /** Null where the user was deleted. */
  userEmail: string | null;
  keyId: string;
  provider: string | null;
  cost: number | null;
  finishedAt: string | null;
}

/** A generation with everything that happened to it. */
interface GenerationDetail extends OperatorGeneration {
  keyName: string | null;
  notes: string[];
  refunded: boolean;
  cancelledAt: string | null;
  inputs: StoredImage[];
  timeline: { status: string; at: string }[];
  webhook: string | null;
  webhookEvents: string[];
  deliveries: Delivery[];
  announcement: object | null;
}

interface FieldSchema {
  type?: string;
  enum?: (string | number)[];
  options?: { label: string; value: string | number }[];
  items?: FieldSchema;
  default?: unknown;
  optional?: boolean;
  label?: string;
  description?: string;
  inputType?: string;
  fileType?: string;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  excludes?: string[];
  requires?: string[];
}

interface InputSchema {
  properties?: Record<string, FieldSchema>;
  required?: string[];
}

interface Model {
  slug: string;
  name: string;
  description: string;
  tool: string;
  type: string;
  available?: boolean;
  cost: number | null;
  costUnit: string;
  inputSchema: InputSchema;
}

interface Tool {
  slug: string;
  name: string;
  description: string;
}

interface ToolDetail extends Tool {
  models: Model[];
}

interface GenerationRequest {
  model?: string;
  tool?: string;
  input: Record<string, any>;
}

interface DayCount {
  date: string;
  success: number;
  error: number;
  cancelled: number;
}

interface Overview {
  days: DayCount[];
  successRate: number | null;
  averageSeconds: number | null;
  creditsSpent: number;
  inProgress: number;
  deadLetters: number;
}

/** What a view gets from the router. */
interface Visit {
  id: string | null;
  query: URLSearchParams;
  signal: AbortSignal;
}

interface FormField {
  name: string;
  control: FormControl;
  node: HTMLElement;
  read: () => any;
  setError: (message: string | null) => void;
}

interface FieldGroup {
  fields: FormField[];
  node: HTMLElement;
}

type FormControl = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

interface UsageRow {
  date: string;
  userId: string;
  userEmail: string | null;
  keyId: string;
  keyName: string | null;
  model: string;
  provider: string | null;
  success: number;
  error: number;
  cancelled: number;
  credits: number;
  seconds: number;
  providerDollars: number;
  /** What the credits were sold for, less what the providers charged. */
  marginDollars: number;
}

interface UsageAnswer {
  from: string;
  to: string;
  data: UsageRow[];
}

interface ListedDelivery extends Delivery {
  generationId: string;
  attemptCount: number;
}
